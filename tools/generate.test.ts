import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  AVRO_FILE,
  generateAvro,
  generateHttp,
  generateHttpNames,
  generateRecords,
  HTTP_FILE,
  HTTP_NAMES_FILE,
  RECORDS_FILE,
} from './generate.ts';

describe('generated types', () => {
  it('of the records are those of the Avro schemas (else: npm run generate)', async () => {
    expect(readFileSync(RECORDS_FILE, 'utf8')).toBe(await generateRecords());
  });

  it('and readers of the records are those of the Avro schemas (else: npm run generate)', async () => {
    expect(readFileSync(AVRO_FILE, 'utf8')).toBe(await generateAvro());
  });

  it('of the messages are those of the JSON Schemas (else: npm run generate)', async () => {
    expect(readFileSync(HTTP_FILE, 'utf8')).toBe(await generateHttp());
    expect(readFileSync(HTTP_NAMES_FILE, 'utf8')).toBe(await generateHttpNames());
  });
});
