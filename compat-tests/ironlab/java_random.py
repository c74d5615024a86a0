"""The generator of java.util.Random, from which ZooKeeper derives session passwords."""

PASSWORD_SECRET = 0xB3415C00


def password(session_id):
    """The 16 bytes that belong to a session id (signed or not)."""
    seed = ((session_id ^ PASSWORD_SECRET) ^ 0x5DEECE66D) & ((1 << 48) - 1)
    out = b""
    for _ in range(4):
        seed = (seed * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        out += (seed >> 16).to_bytes(4, "little")
    return out
