//! The providers against each other, on inputs that nobody chose; `FERROZMQ_SOAK_CRYPTO` says at compile time how many.
//!
//! An execution is one operation done by both: a key pair, a shared key, sealing, opening, opening what was changed. The numbers
//! are a fixed sequence, so that a failure can be repeated.

use super::*;

/// Executions when nobody says how many.
const FEW: u64 = 20_000;
/// A plaintext is mostly shorter than this, and one in 64 as long as [`LONG`].
const SHORT: usize = 300;
const LONG: usize = 9000;

/// A sequence of numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.number() >> 16) as usize % limit.max(1)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.chunks_mut(8).for_each(|chunk| {
            let number = self.number().to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        });
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

#[test]
fn the_providers_agree() {
    let wanted = option_env!("FERROZMQ_SOAK_CRYPTO").and_then(|count| count.parse().ok());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut plain = vec![0; LONG];
    random.fill(&mut plain);
    let (mut done, wanted) = ([0_u64; 5], wanted.unwrap_or(FEW));
    while done.iter().sum::<u64>() < wanted {
        // A key pair and a shared key cost as much as forty boxes.
        if random.below(64) == 0 {
            keys(&mut random);
            done[0] += 1;
            done[1] += 1;
        }
        boxes(&mut random, &plain);
        done[2..].iter_mut().for_each(|count| *count += 1);
    }
    let [pairs, shared, sealed, opened, tampered] = done;
    println!(
        "{} executions agree: {pairs} key pairs, {shared} shared keys, {sealed} sealed, {opened} opened, {tampered} tampered",
        done.iter().sum::<u64>()
    );
}

fn keys(random: &mut Random) {
    let [(_, one), (_, other)] = PROVIDERS;
    let secret = SecretKey::new(random.array());
    assert_eq!(one.public_key(&secret), other.public_key(&secret), "{:?}", secret.expose());
    // Any bytes are a public key; few are small, and of these some are of low order.
    let mut public: [u8; KEY_LEN] = random.array();
    if random.below(8) == 0 {
        let rest = if public[1] & 1 == 0 { 0 } else { 0xff };
        public[1..].fill(rest);
    }
    let shared = [one, other].map(|crypto| crypto.shared_key(&public, &secret));
    assert_eq!(shared[0], shared[1], "{public:?} {:?}", secret.expose());
}

fn boxes(random: &mut Random, plain: &[u8]) {
    let [(_, one), (_, other)] = PROVIDERS;
    let (key, nonce) = (SecretKey::new(random.array()), random.array());
    let length = if random.below(64) == 0 { random.below(LONG) } else { random.below(SHORT) };
    let start = random.below(plain.len() - length);
    let plain = &plain[start..][..length];
    let (mut here, mut there) = (plain.to_vec(), plain.to_vec());
    let tag = one.seal(&mut here, &nonce, &key);
    assert_eq!(tag, other.seal(&mut there, &nonce, &key), "{length} bytes, {nonce:?} {:?}", key.expose());
    assert_eq!(here, there);
    counted_boxes(plain, &nonce, &key, &tag);

    let (mut changed, mut changed_tag) = (here.clone(), tag);
    match random.below(TAG_LEN + length) {
        byte @ 0..TAG_LEN => changed_tag[byte] ^= 1 << random.below(8),
        byte => changed[byte - TAG_LEN] ^= 1 << random.below(8),
    }
    for crypto in [one, other] {
        let mut out = vec![9; length];
        assert!(!crypto.open_into(&changed, &mut out, &changed_tag, &nonce, &key));
        assert!(out.iter().all(|byte| *byte == 9), "something was written");
        assert!(!crypto.open(&mut changed.clone(), &changed_tag, &nonce, &key));
        assert!(crypto.open_into(&here, &mut out, &tag, &nonce, &key));
        assert_eq!(out, plain);
    }
    assert!(one.open(&mut here, &tag, &nonce, &key) && other.open(&mut there, &tag, &nonce, &key));
    assert!(here == plain && there == plain);
}

/// With what was computed once for a nonce's first bytes the same comes out, opens, and refuses what was changed.
fn counted_boxes(plain: &[u8], nonce: &[u8; NONCE_LEN], key: &SecretKey, wrong: &[u8; TAG_LEN]) {
    const PREFIX: &[u8; PREFIX_LEN] = b"CurveZMQMESSAGEC";
    let counter = u64::from_be_bytes(nonce[PREFIX_LEN..].try_into().expect("eight bytes"));
    let mut sealed = None;
    for (_, crypto) in PROVIDERS {
        let key = CountedKey::new(crypto, PREFIX, key.clone());
        let mut data = plain.to_vec();
        let tag = crypto.seal_counted(&mut data, counter, &key);
        let mut whole = plain.to_vec();
        assert_eq!(tag, crypto.seal(&mut whole, &key.nonce(counter), key.key()));
        assert_eq!(data, whole);
        let mut out = vec![9; plain.len()];
        assert!(!crypto.open_counted_into(&data, &mut out, wrong, counter, &key));
        assert!(!crypto.open_counted_into(&data, &mut out, &tag, counter ^ 1, &key));
        assert!(!crypto.open_counted_into(&data, &mut vec![9; plain.len() + 1], &tag, counter, &key));
        assert!(out.iter().all(|byte| *byte == 9), "something was written");
        assert!(crypto.open_counted_into(&data, &mut out, &tag, counter, &key));
        assert_eq!(out, plain);
        let first = sealed.get_or_insert((data.clone(), tag));
        assert_eq!(*first, (data, tag), "{} bytes, {counter}", plain.len());
    }
}

/// What is put together here is what their crate puts together.
#[test]
fn the_second_provider_is_crypto_box() {
    use crypto_box::aead::AeadInPlace as _;
    let mut random = Random(1);
    for length in [0, 1, 63, 64, 65, 1000] {
        let (ours, theirs, nonce) = (SecretKey::new(random.array()), random.array(), random.array::<24>());
        let theirs = crypto_box::SecretKey::from_bytes(theirs);
        let public = theirs.public_key();
        let cipher = crypto_box::SalsaBox::new(&public, &crypto_box::SecretKey::from_bytes(*ours.expose()));
        let (mut here, mut there) = (vec![7; length], vec![7; length]);
        let key = CRYPTO_BOX.shared_key(public.as_bytes(), &ours).expect("a good key");
        let tag = CRYPTO_BOX.seal(&mut here, &nonce, &key);
        let expected = cipher.encrypt_in_place_detached(&nonce.into(), b"", &mut there).expect("short");
        assert_eq!((&here, &tag[..]), (&there, &expected[..]));
    }
}
