"""Compares the tables of two folders, one of CSV and one of Parquet, cell by cell.

CSV is read by Python's own module, Parquet by DuckDB; a number must have the same bits.
"""

import csv
import pathlib
import sys

import duckdb


def same(text, value, kind):
    if text == "":
        return value is None if kind != "VARCHAR" else value == ""
    if kind == "VARCHAR":
        return value == text
    if kind == "BIGINT":
        return value == int(text)
    return kind == "DOUBLE" and value is not None and float(text).hex() == value.hex()


def main(folder, other):
    tables = sorted(folder.glob("*.csv"))
    names = {t.stem for t in tables}
    found = {t.stem for t in other.glob("*.parquet")}
    if names != found or len(names) < 10:
        sys.exit(f"tables differ: {sorted(names ^ found)}")
    cells = 0
    for table in tables:
        with table.open(newline="") as file:
            head, *rows = csv.reader(file)
        read = duckdb.sql(f"SELECT * FROM read_parquet('{other / table.stem}.parquet')")
        if list(read.columns) != head:
            sys.exit(f"{table.stem}: columns {read.columns} instead of {head}")
        kinds = [str(kind) for kind in read.types]
        records = read.fetchall()
        if len(records) != len(rows):
            sys.exit(f"{table.stem}: {len(records)} rows instead of {len(rows)}")
        for number, (texts, values) in enumerate(zip(rows, records)):
            for name, kind, text, value in zip(head, kinds, texts, values):
                if not same(text, value, kind):
                    sys.exit(f"{table.stem}, row {number}, {name}: {value!r} ({kind}) instead of {text!r}")
                cells += 1
    about = duckdb.sql(
        f"SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata('{other}/outcomes.parquet')"
    )
    about = dict(about.fetchall())
    if about.get("scenario") != "case" or "for treating a person" not in about.get("disclaimer", ""):
        sys.exit(f"metadata: {about}")
    print(f"DuckDB {duckdb.__version__} reads {cells} cells of {len(tables)} tables as they stand in CSV")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
