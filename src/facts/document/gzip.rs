//! What is compressed with gzip, unpacked.

use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;

use super::Unreadable;

/// How such a file begins.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The most MiB a file may unpack to. A few of them can be made to unpack to any number; a file that says so much about
/// a system can be stored as it is, for which there is no limit.
const LIMIT: u64 = 1024;

/// The bytes of all members of a file.
pub(in crate::facts) fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
    within(bytes, LIMIT)
}

/// The same with a limit of so many MiB.
fn within(bytes: &[u8], limit: u64) -> Result<Vec<u8>, Unreadable> {
    const TOO_EARLY: &str = "not valid gzip: the file ends too early";
    if bytes.len() < MAGIC.len() {
        return Err(Unreadable::nowhere(TOO_EARLY));
    }
    if !bytes.starts_with(&MAGIC) {
        return Err(Unreadable::nowhere("the file is not compressed with gzip").help("let its name end without `.gz`"));
    }
    let most = limit << 20;
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes).take(most + 1).read_to_end(&mut unpacked).map_err(|error| {
        Unreadable::nowhere(match error.kind() {
            io::ErrorKind::UnexpectedEof => TOO_EARLY.to_owned(),
            _ => format!("not valid gzip: {error}"),
        })
    })?;
    if unpacked.len() as u64 > most {
        return Err(Unreadable::nowhere(format!("the file unpacks to more than {limit} MiB"))
            .help("store it unpacked if that is meant"));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn error(bytes: &[u8]) -> String {
        unpack(bytes).unwrap_err().message
    }

    #[test]
    fn several_members_read_as_one() {
        assert_eq!(unpack(&packed(b"{}")).unwrap(), b"{}");
        assert_eq!(unpack(&packed(b"")).unwrap(), b"");
        let members = [packed(b"{\"a\":"), packed(b""), packed(b"1}")].concat();
        assert_eq!(unpack(&members).unwrap(), b"{\"a\":1}");
    }

    #[test]
    fn what_is_cut_or_changed_is_not_read() {
        let whole = packed(b"{\"a\": [1, 2, 3]}");
        for end in 0..whole.len() {
            assert_eq!(error(&whole[..end]), "not valid gzip: the file ends too early", "{end}");
        }
        let two = [whole.as_slice(), &whole].concat();
        for end in whole.len() + 1..two.len() {
            assert_eq!(error(&two[..end]), "not valid gzip: the file ends too early", "{end}");
        }
        let mut changed = whole.clone();
        let sum = changed.len() - 8;
        changed[sum] ^= 1;
        assert_eq!(error(&changed), "not valid gzip: corrupt gzip stream does not have a matching checksum");
        assert_eq!(error(&[whole.as_slice(), b"more than a header"].concat()), "not valid gzip: invalid gzip header");
        assert_eq!(error(b"{\"a\": 1}"), "the file is not compressed with gzip");
    }

    #[test]
    fn what_would_fill_the_memory_is_stopped() {
        let mebibyte = vec![b' '; 1 << 20];
        let bomb = packed(&mebibyte);
        assert!(bomb.len() < 2_000);
        assert_eq!(within(&bomb, 1).unwrap().len(), 1 << 20);
        for more in [[&mebibyte[..], b" "].concat(), mebibyte.repeat(3)].map(|bytes| packed(&bytes)) {
            let error = within(&more, 1).unwrap_err();
            assert_eq!(error.message, "the file unpacks to more than 1 MiB");
            assert_eq!(error.help, Some("store it unpacked if that is meant"));
        }
        assert!(within(&bomb.repeat(3), 2).is_err(), "members count together");
    }
}
