//! Which paths a znode may have.

use proto::ErrorCode;

/// Checks a whole path (`PathUtils.validatePath`).
pub fn validate_path(path: &str) -> Result<(), ErrorCode> {
    let well_formed = match path.strip_prefix('/') {
        Some("") => true,
        Some(rest) => rest.split('/').all(is_name) && rest.chars().all(is_allowed),
        None => false,
    };
    if well_formed {
        Ok(())
    } else {
        Err(ErrorCode::BAD_ARGUMENTS)
    }
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
}

/// Control characters, surrogates, the private use area and the specials are refused. Java looks
/// at UTF-16 units: a character beyond the basic plane is two surrogates.
fn is_allowed(c: char) -> bool {
    !matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'.. )
}

/// The parent's path (the root's as ""), if there is a slash and no NUL
/// (`PrepRequestProcessor.validatePathForCreate`).
pub fn parent_of(path: &str) -> Result<&str, ErrorCode> {
    match path.rfind('/') {
        Some(slash) if !path.contains('\0') => Ok(&path[..slash]),
        _ => Err(ErrorCode::BAD_ARGUMENTS),
    }
}

/// The parent's path of one that may be deleted (`PrepRequestProcessor.getParentPathAndValidate`).
pub(crate) fn deletable_parent_of(path: &str) -> Result<&str, ErrorCode> {
    const FIXED: [&str; 4] = ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"];
    if FIXED.contains(&path) {
        Err(ErrorCode::BAD_ARGUMENTS)
    } else {
        parent_of(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_characters_are_those_that_java_allows() {
        for path in [
            "/",
            "/a",
            "/a/b",
            "/...",
            "/a.b/.c/..d",
            "/é",
            "/\u{d7ff}",
            "/\u{f900}",
            "/ ",
        ] {
            assert_eq!(validate_path(path), Ok(()), "{path:?}");
        }
        for path in [
            "",
            "a",
            "a/b",
            "/a/",
            "//",
            "//a",
            "/a//b",
            "/.",
            "/..",
            "/a/./b",
            "/a/../b",
            "/a/..",
            "/\0",
            "/\u{1}",
            "/\u{1f}",
            "/\u{7f}",
            "/\u{9f}",
            "/\u{e000}",
            "/\u{fff0}",
            "/\u{ffff}",
            "/😀",
        ] {
            assert_eq!(
                validate_path(path),
                Err(ErrorCode::BAD_ARGUMENTS),
                "{path:?}"
            );
        }
    }
}
