//! Owns the types of settings that are choices.

use std::collections::BTreeSet;

use persistence::Compression;

/// The compression that Apache takes `name` for (`snapshot.compression.method`, `SnapStream.StreamMode.fromString`): what
/// the files end with, or nothing.
pub fn compression_from_name(name: &str) -> Option<Compression> {
    match name {
        "" => Some(Compression::None),
        name => Compression::from_extension(name),
    }
}

/// The four letter words that are answered (`4lw.commands.whitelist`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FourLetterWords {
    /// Every word that the server knows.
    All,
    /// These words.
    Listed(BTreeSet<String>),
}

impl FourLetterWords {
    /// Reads the list as `FourLetterCommands.isEnabled` does: words by comma, `*` for all, srvr always, isro as
    /// well when `read_only_mode`.
    pub fn parse(list: &str, read_only_mode: bool) -> FourLetterWords {
        let mut words: BTreeSet<String> =
            list.split(',').map(|word| word.trim().to_owned()).collect();
        if words.contains("*") {
            return FourLetterWords::All;
        }
        words.remove("");
        words.insert("srvr".to_owned());
        if read_only_mode {
            words.insert("isro".to_owned());
        }
        FourLetterWords::Listed(words)
    }

    /// True if `word` is answered; case counts.
    pub fn allows(&self, word: &str) -> bool {
        match self {
            FourLetterWords::All => true,
            FourLetterWords::Listed(words) => words.contains(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use processor::DigestAlgorithm;

    #[test]
    fn the_whitelist_is_read_by_comma() {
        let words = FourLetterWords::parse("ruok, mntr ,,conf", false);
        for word in ["ruok", "mntr", "conf", "srvr"] {
            assert!(words.allows(word), "{word}");
        }
        for word in ["stat", "isro", "", "RUOK", "*"] {
            assert!(!words.allows(word), "{word}");
        }
    }

    #[test]
    fn a_star_anywhere_allows_all() {
        for list in ["*", "ruok,*", " * ,ruok"] {
            assert_eq!(
                FourLetterWords::parse(list, false),
                FourLetterWords::All,
                "{list}"
            );
        }
        assert!(FourLetterWords::All.allows("stat"));
    }

    #[test]
    fn srvr_is_always_answered_and_isro_in_read_only_mode() {
        assert!(FourLetterWords::parse("", false).allows("srvr"));
        assert!(!FourLetterWords::parse("", false).allows("isro"));
        assert!(FourLetterWords::parse("", true).allows("isro"));
    }

    #[test]
    fn names_of_algorithms_are_those_of_java() {
        for name in ["SHA1", "sha-1", "SHA"] {
            assert_eq!(
                DigestAlgorithm::from_name(name),
                Some(DigestAlgorithm::Sha1),
                "{name}"
            );
        }
        assert_eq!(
            DigestAlgorithm::from_name("SHA-512/256"),
            Some(DigestAlgorithm::Sha512_256)
        );
        assert_eq!(
            DigestAlgorithm::from_name("SHA3-256"),
            Some(DigestAlgorithm::Sha3_256)
        );
        assert_eq!(DigestAlgorithm::from_name("bcrypt"), None);
    }

    #[test]
    fn names_of_compression_ignore_case() {
        assert_eq!(compression_from_name("GZ"), Some(Compression::Gzip));
        assert_eq!(compression_from_name("snappy"), Some(Compression::Snappy));
        assert_eq!(compression_from_name(""), Some(Compression::None));
        assert_eq!(compression_from_name("zstd"), None);
    }
}
