//! Owns the types of settings that are choices.

use std::collections::BTreeSet;

/// How snapshots are compressed (`snapshot.compression.method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SnapshotCompression {
    /// Not at all. Also what any unknown word means (Apache: `SnapStream.StreamMode.fromString`).
    #[default]
    None,
    /// gzip, in files that end with `.gz`.
    Gzip,
    /// Snappy's framing of snappy-java, in files that end with `.snappy`.
    Snappy,
}

impl SnapshotCompression {
    /// The method that Apache takes `name` for.
    pub fn from_name(name: &str) -> Option<SnapshotCompression> {
        match name.to_ascii_lowercase().as_str() {
            "" => Some(SnapshotCompression::None),
            "gz" => Some(SnapshotCompression::Gzip),
            "snappy" => Some(SnapshotCompression::Snappy),
            _ => None,
        }
    }
}

/// The hash of the digest scheme (`DigestAuthenticationProvider.digestAlg`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DigestAlgorithm {
    /// MD5.
    Md5,
    /// SHA-1: the default.
    #[default]
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-512/224.
    Sha512_224,
    /// SHA-512/256.
    Sha512_256,
    /// SHA3-224.
    Sha3_224,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-384.
    Sha3_384,
    /// SHA3-512.
    Sha3_512,
}

impl DigestAlgorithm {
    /// The algorithm that Java's `MessageDigest.getInstance` finds under `name`, in any case. MD2 is left out.
    pub fn from_name(name: &str) -> Option<DigestAlgorithm> {
        Some(match name.to_ascii_uppercase().as_str() {
            "MD5" => DigestAlgorithm::Md5,
            "SHA" | "SHA1" | "SHA-1" => DigestAlgorithm::Sha1,
            "SHA224" | "SHA-224" => DigestAlgorithm::Sha224,
            "SHA256" | "SHA-256" => DigestAlgorithm::Sha256,
            "SHA384" | "SHA-384" => DigestAlgorithm::Sha384,
            "SHA512" | "SHA-512" => DigestAlgorithm::Sha512,
            "SHA512/224" | "SHA-512/224" => DigestAlgorithm::Sha512_224,
            "SHA512/256" | "SHA-512/256" => DigestAlgorithm::Sha512_256,
            "SHA3-224" => DigestAlgorithm::Sha3_224,
            "SHA3-256" => DigestAlgorithm::Sha3_256,
            "SHA3-384" => DigestAlgorithm::Sha3_384,
            "SHA3-512" => DigestAlgorithm::Sha3_512,
            _ => return None,
        })
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
        assert_eq!(
            SnapshotCompression::from_name("GZ"),
            Some(SnapshotCompression::Gzip)
        );
        assert_eq!(
            SnapshotCompression::from_name("snappy"),
            Some(SnapshotCompression::Snappy)
        );
        assert_eq!(
            SnapshotCompression::from_name(""),
            Some(SnapshotCompression::None)
        );
        assert_eq!(SnapshotCompression::from_name("zstd"), None);
    }
}
