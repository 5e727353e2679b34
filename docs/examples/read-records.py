"""Reads records of Playbeat with nothing of Playbeat: what Kafka's console consumer prints, the Avro library of Python,
and the schemas of the registry. Prints one JSON object for each record.

    kafka-console-consumer.sh ... | python3 read-records.py http://localhost:8081
"""

import io
import json
import re
import sys
import urllib.error
import urllib.request

import avro.io
import avro.schema

WIRE_FORMAT = 0
HEADER_BYTES = 5


def bytes_of(line):
    """The console consumer writes what is no plain ASCII as \\x00 to \\xFF, and the backslash too."""
    return re.sub(rb"\\x([0-9A-F]{2})", lambda hexed: bytes([int(hexed[1], 16)]), line.rstrip(b"\n"))


def reader_of(registry, schema_id, known={}):
    """Asks the registry once for each id."""
    if schema_id not in known:
        with urllib.request.urlopen(f"{registry}/schemas/ids/{schema_id}") as answer:
            known[schema_id] = avro.io.DatumReader(avro.schema.parse(json.load(answer)["schema"]))
    return known[schema_id]


def main(registry):
    failed = 0
    for line in sys.stdin.buffer:
        record = bytes_of(line)
        if record == b"null":
            continue  # The account of this key was erased: here, what is kept of it would be deleted.
        if len(record) < HEADER_BYTES or record[0] != WIRE_FORMAT:
            print(f"not in the wire format: {record!r}", file=sys.stderr)
            failed += 1
            continue
        schema_id = int.from_bytes(record[1:HEADER_BYTES], "big")
        try:
            reader = reader_of(registry, schema_id)
        except urllib.error.HTTPError as error:
            print(f"no schema {schema_id} in the registry: {error}", file=sys.stderr)
            failed += 1
            continue
        value = reader.read(avro.io.BinaryDecoder(io.BytesIO(record[HEADER_BYTES:])))
        found = {"record": reader.writers_schema.fullname, **value}
        print(json.dumps(found, ensure_ascii=False, default=lambda raw: raw.decode("latin-1")), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1].rstrip("/")))
