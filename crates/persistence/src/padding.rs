//! How far a log file is filled up with zeros ahead of its records (`FilePadding.java`).

/// Room at the end of the file below which it grows, in bytes.
const MIN_ROOM: u64 = 4096;

/// The size that a file of `size` bytes is given before a record is appended, when `position` is
/// the end of the last committed record. Without preallocation, `size`.
pub(crate) fn padded_size(position: u64, size: u64, pre_alloc_bytes: u64) -> u64 {
    if pre_alloc_bytes == 0 || position + MIN_ROOM < size {
        return size;
    }
    if position > size {
        let grown = position + pre_alloc_bytes;
        return grown - grown % pre_alloc_bytes;
    }
    size + pre_alloc_bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_grows_when_less_than_4_kib_are_left() {
        const MIB64: u64 = 64 << 20;
        for (position, size, expected) in [
            (16, 16, 16 + MIB64),
            (20_000, 16 + MIB64, 16 + MIB64),
            (MIB64 - 4080, 16 + MIB64, 16 + 2 * MIB64),
            (MIB64 - 4081, 16 + MIB64, 16 + MIB64),
            (MIB64 + 17, 16 + MIB64, 2 * MIB64),
        ] {
            assert_eq!(
                padded_size(position, size, MIB64),
                expected,
                "{position} in {size}"
            );
        }
        assert_eq!(padded_size(16, 16, 0), 16);
    }
}
