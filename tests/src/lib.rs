//! Models for the tests: the shipped ones at small sizes, and other graphs.

srvae_macros::model!("models/conditional.pgm");
srvae_macros::model!("models/flow_in_q.pgm");
srvae_macros::model!("models/srvae_golden.pgm");
srvae_macros::model!("models/stochastic_y.pgm");
srvae_macros::model!("models/three_levels.pgm");
srvae_macros::model!("models/two_observed.pgm");
srvae_macros::model!("models/vae_golden.pgm");
