/** An element with children; texts become text and nothing else, whatever is in them. */
export const element = (name, className, ...children) => {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
};

export const byId = (id) => document.getElementById(id);

/** Hours, minutes and seconds where the reader is. */
export const timeText = (seconds) => new Date(seconds * 1_000).toLocaleTimeString('en-GB');

export const timeOf = (atMs) => {
  const time = element('time', 'quiet', timeText(atMs / 1_000));
  time.dateTime = new Date(atMs).toISOString();
  return time;
};

export const durationText = (seconds) => {
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
};
