//! DER values: a tag, a length, and what stands behind them.

/// A sequence.
pub(crate) const SEQUENCE: u8 = 0x30;

/// Content of the value at the beginning, and what stands behind it.
pub(crate) fn content(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = length(der.get(1..)?)?;
    rest.split_at_checked(length)
}

/// The length at the beginning, behind a tag, and what stands behind it, whole or not.
pub(crate) fn length(behind_tag: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = behind_tag.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    let add = |sum: usize, byte: &u8| sum.checked_mul(256)?.checked_add(usize::from(*byte));
    Some((bytes.iter().try_fold(0, add)?, rest))
}

/// A value of this tag and content.
pub(crate) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut der = vec![tag];
    match content.len() {
        0..0x80 => der.push(content.len() as u8),
        _ => {
            der.push(0x80 | significant.len() as u8);
            der.extend_from_slice(significant);
        }
    }
    der.extend_from_slice(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1_0000] {
            let inside = vec![7; length];
            let der = [value(SEQUENCE, &inside), vec![9]].concat();
            assert_eq!(content(&der), Some((&*inside, &[9][..])), "{length}");
            assert_eq!(content(&der[..der.len() - 2]), None, "{length}, cut");
        }
    }
}
