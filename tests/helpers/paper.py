"""Values copied by hand from the paper's text and matrices, independent of our file."""

WEIGHTED_F1 = [0.8856, 0.8767, 0.8857, 0.8838, 0.9420, 0.9504, 0.9487, 0.9440]
MACRO_F1 = [0.8735, 0.8610, 0.8710, 0.8669, 0.9337, 0.9433, 0.9422, 0.9370]
CLASS_COUNTS = [244, 624, 311, 579, 243, 284, 666, 470]
