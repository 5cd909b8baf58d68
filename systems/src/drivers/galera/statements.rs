//! Operations in MariaDB's SQL.

use crate::drivers::sql::Dialect;

/// The tables that workloads use; a list is its elements with commas between them.
pub(super) const SCHEMA: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS registers (k VARCHAR(200) PRIMARY KEY, v VARCHAR(2000) NOT NULL)",
    "CREATE TABLE IF NOT EXISTS elements (k VARCHAR(200), e VARCHAR(200), PRIMARY KEY (k, e))",
    "CREATE TABLE IF NOT EXISTS lists (k VARCHAR(200) PRIMARY KEY, v LONGTEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS counters (k VARCHAR(200) PRIMARY KEY, n BIGINT NOT NULL)",
];

pub(super) const DIALECT: Dialect = Dialect {
    read_counter: "SELECT n FROM counters WHERE k = ?",
    read_register: "SELECT v FROM registers WHERE k = ?",
    read_list: "SELECT CONCAT('[', v, ']') FROM lists WHERE k = ?",
    read_set: "SELECT e FROM elements WHERE k = ?",
    write: "INSERT INTO registers VALUES (?, ?) ON DUPLICATE KEY UPDATE v = VALUES(v)",
    cas: "UPDATE registers SET v = ? WHERE k = ? AND v = ?",
    add: "INSERT IGNORE INTO elements VALUES (?, ?)",
    remove: "DELETE FROM elements WHERE k = ? AND e = ?",
    append: "INSERT INTO lists VALUES (?, ?) ON DUPLICATE KEY UPDATE v = CONCAT(v, ',', VALUES(v))",
    count: "INSERT INTO counters VALUES (?, ?) ON DUPLICATE KEY UPDATE n = n + VALUES(n)",
    registers: "SELECT k, v FROM registers",
    elements: "SELECT k, CONCAT('[', GROUP_CONCAT(e ORDER BY e SEPARATOR ','), ']') FROM elements GROUP BY k",
    lists: "SELECT k, CONCAT('[', v, ']') FROM lists",
    counters: "SELECT k, n FROM counters",
};
