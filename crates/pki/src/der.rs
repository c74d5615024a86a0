//! DER values: a tag, a length, and what stands behind them.

/// A sequence.
pub(crate) const SEQUENCE: u8 = 0x30;
/// Bytes.
pub(crate) const OCTETS: u8 = 0x04;
/// Bits, behind the number of those that are left over.
pub(crate) const BITS: u8 = 0x03;
/// A whole number.
pub(crate) const INTEGER: u8 = 0x02;
/// An object identifier.
pub(crate) const OBJECT: u8 = 0x06;
/// A truth.
pub(crate) const BOOLEAN: u8 = 0x01;
/// One of several named numbers.
pub(crate) const ENUMERATED: u8 = 0x0a;
/// A moment with four digits of the year.
pub(crate) const TIME: u8 = 0x18;

/// The tag of a part that holds others and goes by its number.
pub(crate) const fn part(number: u8) -> u8 {
    0xa0 | number
}

/// The tag of a part that holds none and goes by its number.
pub(crate) const fn plain_part(number: u8) -> u8 {
    0x80 | number
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    /// With tag and length.
    pub whole: &'a [u8],
}

impl<'a> Value<'a> {
    /// The values inside.
    pub fn inside(&self) -> Values<'a> {
        Values(self.content)
    }
}

/// Values one behind the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a>(pub &'a [u8]);

impl<'a> Values<'a> {
    /// The next one, if it has this tag; else it stays.
    pub fn tagged(&mut self, tag: u8) -> Option<Value<'a>> {
        match self.0.first() {
            Some(&first) if first == tag => self.next(),
            _ => None,
        }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let tag = *self.0.first()?;
        let (content, rest) = content(self.0)?;
        let whole = &self.0[..self.0.len() - rest.len()];
        self.0 = rest;
        Some(Value {
            tag,
            content,
            whole,
        })
    }
}

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
