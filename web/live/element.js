/** An element with children; texts become text and nothing else, whatever is in them. */
export const element = (name, className, ...children) => {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
};

export const byId = (id) => document.getElementById(id);

/** Hours, minutes and seconds, as this machine's clock has them. */
export const timeOf = (atMs) => {
  const time = element('time', 'quiet', new Date(atMs).toLocaleTimeString([], { hour12: false }));
  time.dateTime = new Date(atMs).toISOString();
  return time;
};

export const durationText = (seconds) => {
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
};
