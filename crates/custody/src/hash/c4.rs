//! C4 identifiers (SMPTE ST 2114): SHA-512 in base 58, 90 characters with `c4` before it.

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Digits of the largest 512-bit number.
const DIGITS: usize = 88;

/// The identifier of a digest of 64 bytes, most significant first.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut number = bytes.to_vec();
    let mut digits = [ALPHABET[0]; DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0u32;
        for byte in &mut number {
            let v = rest * 256 + u32::from(*byte);
            *byte = (v / 58) as u8;
            rest = v % 58;
        }
        *digit = ALPHABET[rest as usize];
    }
    let digits = digits.iter().map(|b| char::from(*b));
    "c4".chars().chain(digits).collect()
}

/// The digest of an identifier; `None` when it is none.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("c4")?.as_bytes();
    if digits.len() != DIGITS {
        return None;
    }
    let mut number = vec![0u8; 64];
    for digit in digits {
        let mut carry = ALPHABET.iter().position(|a| a == digit)? as u32;
        for byte in number.iter_mut().rev() {
            let v = u32::from(*byte) * 58 + carry;
            *byte = v as u8;
            carry = v >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn identifiers_read_back(bytes in proptest::collection::vec(any::<u8>(), 64)) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn what_is_no_identifier_is_refused() {
        let good = encode(&[255; 64]);
        assert_eq!(good.len(), 90);
        assert_eq!(decode(&good[..89]), None);
        assert_eq!(decode(&format!("c4{}", "z".repeat(88))), None, "larger than 512 bits");
        assert_eq!(decode(&good.replace("c4", "c5")), None);
        assert_eq!(decode(&format!("c4{}", "0".repeat(88))), None, "0 is no digit");
    }
}
