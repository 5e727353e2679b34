import uPlot from './uplot/uPlot.esm.js';
import { element, timeText } from './element.js';

const HEIGHT_PX = 180;
/** Between two ticks there is room for a time of day. */
const TICK_PX = 72;
/** People come one by one. */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, i) => [1, 2, 5].map((step) => step * 10 ** i)).flat();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * Lines over time. `lines`: [{ name: as in page.css, label, dash }]. The legend says the newest figures in words, so that
 * neither colours nor the picture are needed to read them.
 */
export const lineChart = ({ place, legend, title, lines }) => {
  const axis = {
    stroke: () => colour('muted'),
    grid: { stroke: () => colour('line'), width: 1 },
    ticks: { stroke: () => colour('line'), width: 1 },
  };
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT_PX,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_chart, _least, most) => [0, Math.max(2, (most ?? 0) * 1.1)] } },
      axes: [
        { ...axis, space: TICK_PX, size: 28, values: (_chart, seconds) => seconds.map(timeText) },
        { ...axis, size: 44, incrs: WHOLE_STEPS },
      ],
      series: [{}, ...lines.map(({ name, label, dash }) => ({ label, dash, width: 2, stroke: () => colour(name) }))],
    },
    [[], ...lines.map(() => [])],
    place,
  );
  place.setAttribute('role', 'img');
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT_PX })).observe(place);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => chart.redraw());

  const figures = lines.map(({ name, label }) => {
    const figure = element('b', '', '–');
    legend.append(element('span', name, `${label} `, figure));
    return figure;
  });
  return {
    /** Seconds, then the values of each line. */
    show: (data) => {
      chart.setData(data);
      if (data[0].length === 0) return;
      const newest = data.slice(1).map((values) => values.at(-1));
      figures.forEach((figure, i) => (figure.textContent = newest[i].toLocaleString()));
      const words = lines.map(({ label }, i) => `${label} ${newest[i]}`).join(', ');
      place.setAttribute('aria-label', `${title}, now: ${words}`);
    },
  };
};
