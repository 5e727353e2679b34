type Judged = { readonly violations: readonly string[]; readonly late: readonly string[] };

/** The end of a command of this folder: its figures, what was wrong, and 1 for a process that found something. */
export const show = ({ violations, late, ...figures }: Judged): void => {
  console.table(figures);
  for (const line of [...violations, ...late]) console.log(line);
  process.exitCode = violations.length + late.length === 0 ? 0 : 1;
};
