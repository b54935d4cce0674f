//! x
use crate::failure::Failure; use crate::talk::Talk;
#[derive(clap::Args,Debug)] pub struct DemoArgs{ #[arg(long)] over: Option<String>, what: Vec<String> }
#[derive(clap::Args,Debug)] pub struct PartArgs{}
pub fn run(_:&DemoArgs,_:Talk)->Result<(),Failure>{Ok(())}
pub fn take_part(_:&PartArgs)->Result<(),Failure>{Ok(())}
