//! Users and groups of this machine, by name or number: `/etc/passwd` and `/etc/group` (passwd(5), group(5)). Asking the name service would
//! load foreign code into this process.

use std::path::Path;

/// The id of a user.
///
/// # Errors
/// In words, where there is none of this name.
pub fn user_id(name: &str) -> Result<u32, String> {
    find(Path::new("/etc/passwd"), name).ok_or_else(|| format!("there is no user {name} in /etc/passwd"))
}

/// The id of a group.
///
/// # Errors
/// In words, where there is none of this name.
pub fn group_id(name: &str) -> Result<u32, String> {
    find(Path::new("/etc/group"), name).ok_or_else(|| format!("there is no group {name} in /etc/group"))
}

/// The third field of the line whose first one is `name`.
fn find(file: &Path, name: &str) -> Option<u32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let lines = std::fs::read_to_string(file).ok()?;
    let mut fields = lines.lines().map(|line| line.split(':')).find_map(|mut fields| {
        let found = fields.next() == Some(name);
        found.then_some(fields)
    })?;
    fields.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found_and_others_are_not() {
        assert_eq!(user_id("root"), Ok(0));
        assert_eq!(group_id("root"), Ok(0));
        assert_eq!(group_id("4711"), Ok(4711));
        assert!(user_id("nobody-of-this-name").is_err());
        assert!(user_id("").is_err());
    }
}
