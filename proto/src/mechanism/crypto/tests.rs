//! The provider against published vectors, and against a second implementation: RustCrypto's `crypto_box`.

use super::*;
use crypto_box::aead::AeadInPlace;
use crypto_box::{PublicKey, SalsaBox, SecretKey as TheirSecret};
use proptest::prelude::*;

/// X25519 (RFC 7748, section 6.1), whose keys NaCl's tests use too.
const ALICE: [&str; 2] = [
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
];
const BOB: [&str; 2] = [
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
];
/// NaCl's `crypto_box` with them (tests/box.c): the shared key, nonce, plaintext, tag and ciphertext.
const SHARED: &str = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
const NONCE: &str = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
const PLAIN: &str = "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705";
const TAG: &str = "f3ffc7703f9400e52a7dfb4b3d3305d9";
const SEALED: &str = "8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5";

/// Public keys of low order (libsodium's list, both with and without the top bit).
const LOW_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).expect("a digit") as u8).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4) | pair[1]).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().expect("as long as it should be")
}

#[test]
fn the_published_vectors_come_out() {
    let [alice, bob] = [ALICE, BOB].map(|[secret, _]| SecretKey::new(array(secret)));
    let publics: [[u8; KEY_LEN]; 2] = [ALICE, BOB].map(|[_, public]| array(public));
    assert_eq!([&alice, &bob].map(|secret| DEFAULT.public_key(secret)), publics);
    let key = DEFAULT.shared_key(&publics[1], &alice).expect("a good key");
    assert_eq!(key, SecretKey::new(array(SHARED)));
    assert_eq!(DEFAULT.shared_key(&publics[0], &bob), Some(key.clone()));

    let mut data = hex(PLAIN);
    assert_eq!(DEFAULT.seal(&mut data, &array(NONCE), &key).to_vec(), hex(TAG));
    assert_eq!(data, hex(SEALED));
    let mut out = vec![0; data.len()];
    assert!(DEFAULT.open_into(&data, &mut out, &array(TAG), &array(NONCE), &key));
    assert_eq!(out, hex(PLAIN));
    assert!(DEFAULT.open(&mut data, &array(TAG), &array(NONCE), &key));
    assert_eq!(data, hex(PLAIN));
}

#[test]
fn keys_of_low_order_are_shared_with_nobody() {
    let secret = SecretKey::new(array(ALICE[0]));
    for key in LOW_ORDER {
        let mut public: [u8; KEY_LEN] = array(key);
        assert_eq!(DEFAULT.shared_key(&public, &secret), None);
        public[31] |= 0x80;
        assert_eq!(DEFAULT.shared_key(&public, &secret), None);
    }
}

#[test]
fn no_changed_bit_opens_and_nothing_is_written_then() {
    let key = SecretKey::new([3; KEY_LEN]);
    let nonce = [5; NONCE_LEN];
    let mut data = *b"attack at dawn";
    let tag = DEFAULT.seal(&mut data, &nonce, &key);
    for bit in 0..8 * (TAG_LEN + data.len()) {
        let (mut tag, mut changed) = (tag, data);
        match bit / 8 {
            byte @ 0..TAG_LEN => tag[byte] ^= 1 << (bit % 8),
            byte => changed[byte - TAG_LEN] ^= 1 << (bit % 8),
        }
        let before = changed;
        let mut out = [9; 14];
        assert!(!DEFAULT.open_into(&changed, &mut out, &tag, &nonce, &key));
        assert!(!DEFAULT.open(&mut changed, &tag, &nonce, &key));
        assert_eq!((changed, out), (before, [9; 14]));
    }
    assert!(!DEFAULT.open_into(&data, &mut [0; 13], &tag, &nonce, &key));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn two_implementations_agree(
        ours: [u8; 32],
        theirs: [u8; 32],
        nonce: [u8; 24],
        plain in proptest::collection::vec(any::<u8>(), 0..3000),
        flip in any::<prop::sample::Index>(),
    ) {
        let ours = SecretKey::new(ours);
        let public = DEFAULT.public_key(&SecretKey::new(theirs));
        prop_assert_eq!(public, TheirSecret::from_bytes(theirs).public_key().to_bytes());
        let cipher = SalsaBox::new(&PublicKey::from_bytes(public), &TheirSecret::from_bytes(*ours.expose()));
        let key = DEFAULT.shared_key(&public, &ours).expect("a good key");

        let (mut here, mut there) = (plain.clone(), plain.clone());
        let tag = DEFAULT.seal(&mut here, &nonce, &key);
        let their_tag = cipher.encrypt_in_place_detached(&nonce.into(), b"", &mut there).expect("short");
        prop_assert_eq!(&here, &there);
        prop_assert_eq!(&tag[..], &their_tag[..]);

        if !here.is_empty() {
            here[flip.index(plain.len())] ^= 1;
            prop_assert!(!DEFAULT.open(&mut here.clone(), &tag, &nonce, &key));
            prop_assert!(cipher.decrypt_in_place_detached(&nonce.into(), b"", &mut here, &tag.into()).is_err());
        }
        prop_assert!(DEFAULT.open(&mut there, &tag, &nonce, &key));
        prop_assert_eq!(there, plain);
    }
}
