import { Stack } from 'aws-cdk-lib';
import { CfnDashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { type Graph, GRAPHS } from './graphs.ts';
import { filled, filledSeries, type Place, type placesOf } from './places.ts';
import type { Stage } from './stages.ts';

const PERIOD_S = 60;
/** Of the 24 columns; three graphs stand beside each other. */
const SIZE = { width: 8, height: 6 };

type Options = { readonly stage: Stage; readonly places: ReturnType<typeof placesOf> };

export const addDashboards = (scope: Construct, { stage, places }: Options): void => {
  for (const [name, graphs] of Object.entries(GRAPHS))
    new CfnDashboard(scope, `Dashboard-${name}`, {
      dashboardName: `${stage.prefix}-${name}`,
      dashboardBody: Stack.of(scope).toJsonString({
        widgets: graphs.map((graph) => ({
          type: 'metric',
          ...SIZE,
          properties: {
            title: graph.title,
            region: stage.settings.region,
            period: PERIOD_S,
            metrics: [...searchOf(graph, stage), ...places[graph.each].flatMap((place) => rowsOf(graph, place))],
          },
        })),
      }),
    });
};

const rowsOf = ({ series, expression }: Graph, place: Place): readonly unknown[] => {
  const rows = Object.entries(series).map(([id, one]) => {
    const { namespace, metric, dimensions, statistic } = filledSeries(one, place);
    // Ids are for the one expression that a graph may have; elsewhere there are several places.
    const shown = expression === undefined ? { label: `${place.id} ${id}`.trim() } : { id, visible: false };
    return [namespace, metric, ...Object.entries(dimensions).flat(), { stat: statistic, ...shown }];
  });
  return expression === undefined ? rows : [...rows, [{ expression: filled(expression, place), label: '%' }]];
};

const searchOf = ({ search }: Graph, stage: Stage): readonly unknown[] => {
  if (search === undefined) return [];
  const schema = [stage.prefix, ...search.by].join(',');
  return [[{ expression: `SEARCH('{${schema}} MetricName="${search.metric}"', 'Sum', ${PERIOD_S})` }]];
};
