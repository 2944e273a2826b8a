//! Keeping programs alive: acts on the precompile that activates them.

use super::{Expected, Kind, provable};
use crate::chain::abi::ArbWasm::{
    ProgramActivated, ProgramLifetimeExtended, activateProgramCall, codehashKeepaliveCall,
};

provable! { &[Kind::Programs];
    codehashKeepaliveCall => |&codehashKeepaliveCall { codehash }, sent| [Expected::fitting(
        sent.contract,
        move |event: &ProgramLifetimeExtended| event.codehash == codehash,
    )];
    activateProgramCall => |&activateProgramCall { program }, sent| [Expected::fitting(
        sent.contract,
        move |event: &ProgramActivated| event.program == program,
    )];
}
