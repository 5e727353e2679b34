import { Copy, DockerfileParser, type Instruction, JSONInstruction } from 'dockerfile-ast';

/** A Dockerfile as its stages and what they do, in order. */
export type Step = {
  readonly keyword: string;
  readonly text: string;
  readonly words: readonly string[] | null;
  readonly from: string | null;
};
export type Stage = { readonly name: string; readonly base: string; readonly steps: readonly Step[] };

export const stagesOf = (file: string): readonly Stage[] => {
  const parsed = DockerfileParser.parse(file);
  const args = new Map(
    parsed.getInitialARGs().map((arg) => [arg.getProperty()?.getName() ?? '', arg.getProperty()?.getValue() ?? '']),
  );
  const stages: { name: string; base: string; steps: Step[] }[] = [];
  for (const instruction of parsed.getInstructions()) {
    const text = instruction.getArgumentsContent() ?? '';
    if (instruction.getKeyword() === 'FROM') {
      const [image = '', , name = ''] = text.split(/\s+/);
      const base = image.replace(/\$\{?(\w+)\}?/, (_, arg: string) => args.get(arg) ?? '');
      stages.push({ name, base, steps: [] });
    } else stages.at(-1)?.steps.push(stepOf(instruction, text));
  }
  return stages;
};

const stepOf = (instruction: Instruction, text: string): Step => {
  const strings =
    instruction instanceof JSONInstruction && instruction.getOpeningBracket() !== null
      ? instruction.getJSONStrings().map((string) => string.getJSONValue())
      : null;
  const flags = instruction instanceof Copy ? instruction.getFlags() : [];
  const from = flags.find((flag) => flag.getName() === 'from')?.getValue() ?? null;
  return {
    keyword: instruction.getKeyword(),
    text,
    words: healthWords(instruction.getKeyword(), text) ?? strings,
    from,
  };
};

/** `HEALTHCHECK --interval=10s CMD ["node", …]` */
const healthWords = (keyword: string, text: string): readonly string[] | null => {
  const list = keyword === 'HEALTHCHECK' ? /CMD\s+(\[.*\])\s*$/s.exec(text)?.[1] : undefined;
  return list === undefined ? null : (JSON.parse(list) as string[]);
};

export const lastOf = (stage: Stage, keyword: string): Step | null =>
  stage.steps.findLast((step) => step.keyword === keyword) ?? null;

/** What matters of what linters of Dockerfiles look for. */
export const problemsOf = (file: string): readonly string[] => {
  const stages = stagesOf(file);
  const last = stages.at(-1);
  if (last === undefined) return ['there is no FROM'];
  const steps = stages.flatMap((stage) => stage.steps);
  const health = lastOf(last, 'HEALTHCHECK');
  const bases = stages.filter(({ base }) => !stages.some(({ name }) => name === base));
  const checks: readonly (readonly [boolean, string])[] = [
    [bases.every(({ base }) => /@sha256:[0-9a-f]{64}$/.test(base)), 'a base image is not pinned by its digest'],
    [bases.every(({ base }) => /:\d+(\.\d+)*-(\w+-)?slim@/.test(base)), 'a base image is not a slim one of a version'],
    [stages.length > 1, 'one stage: what builds lies in what runs'],
    [/^[1-9]\d*:[1-9]\d*$/.test(lastOf(last, 'USER')?.text ?? ''), 'the user is not a number, or is root'],
    [
      lastOf(last, 'ENTRYPOINT')?.words?.[0] === 'node',
      'the entry point is not node itself: a signal would not arrive',
    ],
    [health?.words?.[0] === 'node', 'no health check by node, in exec form'],
    [!steps.some(({ keyword }) => keyword === 'ADD'), 'ADD fetches and unpacks: COPY does not'],
    [!steps.some(({ keyword, text }) => keyword === 'COPY' && /^\.\/?\s/.test(text)), 'COPY takes everything'],
    [
      steps.filter(({ text }) => /\bnpm\b/.test(text)).every(({ text }) => /\bnpm ci --omit=dev\b/.test(text)),
      'packages are not those of the lock file without those of development',
    ],
    [
      !steps.some(
        ({ keyword, text }) => /^(ARG|ENV)$/.test(keyword) && /(SECRET|PASSWORD|PEPPER|TOKEN|_KEY)\w*=/.test(text),
      ),
      'a secret stands in the image',
    ],
    [
      !steps.some(({ keyword, text }) => keyword === 'RUN' && /\b(curl|wget|sudo)\b/.test(text)),
      'something is fetched or done as another',
    ],
  ];
  return checks.filter(([ok]) => !ok).map(([, problem]) => problem);
};
