//! Color: linearization, input transforms, CDL, LUTs and the ACES 2.0 output transform.
