import { REPORT_BY, type ReportBy } from '../../services/decision-ledger/report.ts';
import { valuesOf } from '../command.ts';

export const USAGE = `npm run report -- --from <day> --to <day> [options]

What was decided in a span of time: starts, denials, evictions, displaced streams, streams at once. Days and moments are in UTC;
the span begins at --from and ends before --to: --from 2026-11-01 --to 2026-11-02 is one day.

  --from <day>        2026-11-01, or 2026-11-01T18:00:00Z
  --to <day>          the first moment that does not count any more
  --by <dimension>    rule, content or deviceType     (rule)
  --format <format>   table, csv or json              (table)
  --url <address>     the admin port                  (http://127.0.0.1:9090)
  --help

With AUTH_… set, a token with the scope playbeat:admin in ADMIN_TOKEN.`;

export const FORMATS = ['table', 'csv', 'json'] as const;
export type Format = (typeof FORMATS)[number];

export type Options = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly by: ReportBy;
  readonly format: Format;
  readonly url: string;
};

/** A sentence about what is wrong, or the options; undefined when only the usage was asked for. */
export const readOptions = (args: readonly string[]): Options | string | undefined => {
  const values = valuesOf(args, {
    from: { type: 'string' },
    to: { type: 'string' },
    by: { type: 'string', default: 'rule' },
    format: { type: 'string', default: 'table' },
    url: { type: 'string', default: 'http://127.0.0.1:9090' },
    help: { type: 'boolean', default: false },
  });
  if (typeof values === 'string') return values;
  if (values.help) return undefined;
  const { url } = values;
  const by = REPORT_BY.find((one) => one === values.by);
  if (by === undefined) return `--by has to be ${REPORT_BY.join(', ')}, not "${values.by}"`;
  const format = FORMATS.find((one) => one === values.format);
  if (format === undefined) return `--format has to be ${FORMATS.join(', ')}, not "${values.format}"`;
  if (!URL.canParse(url)) return `--url has to be an address, not "${url}"`;
  const [fromMs, toMs] = [momentOf(values.from), momentOf(values.to)];
  if (fromMs === null) return `--from has to be a day such as 2026-11-01, not "${values.from ?? ''}"`;
  if (toMs === null) return `--to has to be a day such as 2026-11-02, not "${values.to ?? ''}"`;
  if (toMs <= fromMs) return '--to has to be later than --from';
  return { fromMs, toMs, by, format, url };
};

const MOMENT = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2})?Z)?$/;

/** Null for what is no day of the calendar: the 31st of November is no 1st of December. */
const momentOf = (text: string | undefined): number | null => {
  const [, day] = MOMENT.exec(text ?? '') ?? [];
  const ms = text === undefined || day === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== day ? null : ms;
};
