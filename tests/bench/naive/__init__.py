"""The portal that an agency's own developer would write, which Dovetail is compared with."""
