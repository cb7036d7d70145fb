//! profile -> host facts -> render -> plan (diff) -> check -> apply (journal) -> activate -> probe
