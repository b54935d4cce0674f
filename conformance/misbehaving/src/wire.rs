//! ZMTP's bytes, right ones; what is wrong is made of them.

/// Flags of a frame.
pub const MORE: u8 = 1;
pub const LONG: u8 = 2;
pub const COMMAND: u8 = 4;

/// A greeting of ZMTP 3.1 for this mechanism.
pub fn greeting(mechanism: &str) -> Vec<u8> {
    let mut greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01".to_vec();
    greeting.extend_from_slice(mechanism.as_bytes());
    greeting.resize(64, 0);
    greeting
}

/// The same with one byte in place of another.
pub fn greeting_with(place: usize, byte: u8) -> Vec<u8> {
    let mut greeting = greeting("NULL");
    greeting[place] = byte;
    greeting
}

/// A frame of these flags; LONG is set where it has to be.
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(short) => [&[flags, short], body].concat(),
        Err(_) => [&[flags | LONG], &(body.len() as u64).to_be_bytes()[..], body].concat(),
    }
}

/// The header of a frame that announces this many bytes.
pub fn announced(flags: u8, len: u64) -> Vec<u8> {
    [&[flags | LONG], &len.to_be_bytes()[..]].concat()
}

/// A command's frame.
pub fn command(name: &str, body: &[u8]) -> Vec<u8> {
    frame(COMMAND, &[&[name.len() as u8], name.as_bytes(), body].concat())
}

/// A property.
pub fn property(name: &str, value: &[u8]) -> Vec<u8> {
    [&[name.len() as u8], name.as_bytes(), &(value.len() as u32).to_be_bytes(), value].concat()
}

/// The READY of a socket of this type.
pub fn ready(kind: &str) -> Vec<u8> {
    ready_with(&[], kind)
}

/// The same with more properties behind.
pub fn ready_with(properties: &[u8], kind: &str) -> Vec<u8> {
    command("READY", &[&property("Socket-Type", kind.as_bytes()), properties].concat())
}

/// PING with this context.
pub fn ping(context: &[u8]) -> Vec<u8> {
    command("PING", &[&[0, 0], context].concat())
}
