//! What comes of misbehaviour: nothing, for everybody but who misbehaves.

mod offences;
mod scene;
mod slow;
