import { TOPICS } from '../../schemas/topics.ts';

/** What is there already, and cannot be there twice. */
export type Taken = {
  readonly roles: readonly string[];
  /** Names of processors: of their consumer groups and of their state. */
  readonly states: readonly string[];
  readonly httpSchemas: readonly string[];
  /** Of the messages of the interface. */
  readonly types: readonly string[];
  readonly paths: readonly string[];
  readonly exists: (path: string) => boolean;
};

/**
 * What the template can be made for. Its window ends by live time, which the ticks of a quiet partition turn on; other
 * topics have none, so there a window would not end while nothing comes.
 */
const INPUTS: readonly string[] = ['heartbeats.v1'];

/** A role of IAM has at most 64 characters, of which the stage and the CDK take the others. */
const MOST_LETTERS = 32;

export const namesOf = (name: string) => {
  const words = name.split('-');
  const pascal = words.map(capital).join('');
  return {
    name,
    pascal,
    camel: (words[0] ?? '') + words.slice(1).map(capital).join(''),
    title: capital(words.join(' ')),
  };
};
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** All that is wrong at once. */
export const problemsOf = ({ name, input }: { readonly name: string; readonly input: string }, taken: Taken) => {
  const isName = /^[a-z]+(-[a-z]+)+$/.test(name);
  const checks: readonly (readonly [boolean, string])[] = [
    [isName, nameProblem(name)],
    [
      name.length <= MOST_LETTERS,
      `--name has ${name.length} characters, at most ${MOST_LETTERS}: names on AWS are made from it`,
    ],
    [INPUTS.includes(input), inputProblem(input)],
    ...(isName ? takenChecks(name, taken) : []),
  ];
  return checks.filter(([ok]) => !ok).map(([, problem]) => problem);
};

/** One word is a stack (`data`), a container (`kafka`), a word of JavaScript (`delete`) or a name in the code (`log`) sooner or later. */
const nameProblem = (name: string): string =>
  /^[a-z]+$/.test(name)
    ? `--name is "${name}", one word, which stacks, containers and code may have for something else: give it two, as in buffering-${name}`
    : `--name is "${name}": give it two words or more of small letters, with hyphens between, as in buffering-alerts`;

const inputProblem = (input: string): string =>
  input in TOPICS
    ? `--input is ${input}, which has no ticks, so a window of time would not end there: ${INPUTS.join(' or ')}`
    : `--input is "${input}", which is no topic: ${INPUTS.join(' or ')}`;

const takenChecks = (name: string, taken: Taken): readonly (readonly [boolean, string])[] => {
  const { pascal } = namesOf(name);
  const path = `/v1/accounts/*/${name}`;
  const files = [`services/${name}`, `docs/reference/${name}.md`];
  return [
    [!taken.roles.includes(name), `there is a role ${name}`],
    [!taken.states.includes(name), `there is a processor ${name}`],
    [!taken.httpSchemas.includes(name), `there is a message ${name} in schemas/http`],
    [
      taken.httpSchemas.includes(name) || !taken.types.includes(pascal),
      `there is a type ${pascal} in schemas/generated/http.ts`,
    ],
    [!taken.paths.includes(path), `the path ${path} is served`],
    ...files.map((file) => [!taken.exists(file), `${file} is there, and nothing is overwritten`] as const),
  ];
};
