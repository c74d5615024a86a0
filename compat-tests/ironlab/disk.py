"""Reads Apache's transaction logs and snapshots from their bytes.

An independent second opinion on the files: it shares no code with the servers. Knows formats, not what a txn means.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

from . import jute

LOG_MAGIC = 0x5A4B4C47
HEADER_BYTES = 16
DIGEST_BYTES = 12

# txn type: its record. An error or close txn may have fewer bytes, see `parse_txn`.
TXN_RECORDS = {
    -10: "CreateSessionTxn", -11: "CloseSessionTxn", -1: "ErrorTxn", 1: "CreateTxn", 15: "CreateTxn",
    19: "CreateContainerTxn", 21: "CreateTTLTxn", 2: "DeleteTxn", 20: "DeleteTxn", 5: "SetDataTxn",
    16: "SetDataTxn", 7: "SetACLTxn", 14: "MultiTxn", 13: "CheckVersionTxn",
}


@dataclass
class Record:
    """One log record: where it starts, its bytes, and what they say. `digest` is None when none was written."""

    file: str
    offset: int
    checksum: int
    data: bytes
    header: dict
    txn: dict
    digest: dict


def zxid_of(path):
    """The zxid in the name of a log or snapshot."""
    return int(path.name.split(".")[1], 16)


def logs(version_2):
    """The log files of a directory, oldest first."""
    return sorted(Path(version_2).glob("log.*"), key=zxid_of)


def snapshots(version_2):
    """The snapshots of a directory, oldest first, with any compression."""
    return sorted(Path(version_2).glob("snapshot.*"), key=zxid_of)


def records(version_2):
    """All records of all logs of a directory, in order."""
    return [record for path in logs(version_2) for record in read_log(path)]


def read_log(path):
    """The records of one log file up to its padding or its end. A bad checksum or trailer raises ValueError."""
    data = Path(path).read_bytes()
    if not data:
        return []
    if jute.Reader(data).read("FileHeader")["magic"] != LOG_MAGIC:
        raise ValueError(f"{path} has no log header")
    reader = jute.Reader(data, HEADER_BYTES)
    found = []
    while (record := _next_record(Path(path).name, reader)) is not None:
        found.append(record)
    return found


def length_without_padding(path):
    """The size of a log file up to the end of its last record."""
    found = read_log(path)
    return found[-1].offset + 12 + len(found[-1].data) + 1 if found else HEADER_BYTES


def change_last_record(path, change):
    """Rewrites the last record of a log: `change` gets its bytes and returns others. Padding is cut off."""
    last = read_log(path)[-1]
    data = change(last.data)
    frame = jute.encode("long", zlib.adler32(data)) + jute.encode("buffer", data) + b"B"
    path.write_bytes(path.read_bytes()[:last.offset] + frame)


def last_digest(version_2):
    """The tree digest after the last record of a directory, None where digests are off."""
    found = records(version_2)
    return found[-1].digest and found[-1].digest["treeDigest"]


def _next_record(name, reader):
    offset = reader.at
    try:
        checksum = reader.read("long")
        data = reader.read("buffer")
        if not data:
            return None
        trailer = reader.take(1)
    except EOFError:
        return None
    if zlib.adler32(data) != checksum or trailer != b"B":
        raise ValueError(f"{name}: a damaged record at byte {offset}")
    return Record(name, offset, checksum, data, *parse_txn(data))


def parse_txn(data):
    """(header, txn, digest) of a record's bytes, which a PROPOSAL has too; the digest is None where there is none."""
    reader = jute.Reader(data)
    header = reader.read("TxnHeader")
    record = TXN_RECORDS[header["type"]]
    # closeSession has no record with zookeeper.closeSessionTxn.enabled=false: nothing follows but a digest.
    bare = record == "CloseSessionTxn" and len(data) - reader.at == DIGEST_BYTES
    txn = {} if reader.done() or bare else reader.read(record)
    if record == "MultiTxn":
        txn = {"txns": [_sub_txn(sub) for sub in txn["txns"]]}
    digest = None if reader.done() else reader.read("TxnDigest")
    if not reader.done():
        raise ValueError(f"{len(data) - reader.at} bytes left after txn {header['zxid']:#x}")
    return header, txn, digest


def _sub_txn(sub):
    return {"type": sub["type"], **jute.decode(TXN_RECORDS[sub["type"]], sub["data"])}
