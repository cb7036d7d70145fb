//! card -> scan -> plan -> copy -> verify -> publish -> report
