//! Operations in PostgreSQL's SQL.

use crate::drivers::sql::Dialect;

/// The tables that workloads use.
pub(super) const SCHEMA: &str = "\
    CREATE TABLE IF NOT EXISTS registers (k text PRIMARY KEY, v text NOT NULL);\
    CREATE TABLE IF NOT EXISTS elements (k text, e text, PRIMARY KEY (k, e));\
    CREATE TABLE IF NOT EXISTS lists (k text PRIMARY KEY, v text[] NOT NULL);\
    CREATE TABLE IF NOT EXISTS counters (k text PRIMARY KEY, n bigint NOT NULL);";

pub(super) const SCHEMA_GONE: &str = "DROP TABLE IF EXISTS registers, elements, lists, counters;";

pub(in crate::drivers) const DIALECT: Dialect = Dialect {
    read_counter: "SELECT n::text FROM counters WHERE k = $1",
    read_register: "SELECT v FROM registers WHERE k = $1",
    read_list: "SELECT '[' || array_to_string(v, ',') || ']' FROM lists WHERE k = $1",
    read_set: "SELECT e FROM elements WHERE k = $1",
    write: "INSERT INTO registers VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
    cas: "UPDATE registers SET v = $1 WHERE k = $2 AND v = $3 RETURNING v",
    add: "INSERT INTO elements VALUES ($1, $2) ON CONFLICT DO NOTHING",
    remove: "DELETE FROM elements WHERE k = $1 AND e = $2",
    append: "INSERT INTO lists VALUES ($1, ARRAY[$2::text]) ON CONFLICT (k) DO UPDATE SET v = lists.v || excluded.v",
    count: "INSERT INTO counters VALUES ($1, $2::text::bigint) ON CONFLICT (k) DO UPDATE SET n = counters.n + excluded.n",
    registers: "SELECT k, v FROM registers",
    elements: "SELECT k, '[' || string_agg(e, ',' ORDER BY e) || ']' FROM elements GROUP BY k",
    lists: "SELECT k, '[' || array_to_string(v, ',') || ']' FROM lists",
    counters: "SELECT k, n::text FROM counters",
};
