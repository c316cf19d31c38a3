"""Numbers of `cadence`, one for each of its features. Written by script/fit_cadence."""

BIAS = -0.0897
MEAN = (
    0.6943,  # onset
    1.0249,  # speech
    0.3931,  # bursts
    0.6479,  # first_burst
    0.5518,  # last_burst
    0.7761,  # longest_burst
    0.6319,  # mean_burst
    0.3094,  # spread_of_bursts
    0.1840,  # longest_pause
    0.1728,  # mean_pause
    0.0102,  # spread_of_pauses
    0.9395,  # share_of_speech
    1.0954,  # span
    2.2469,  # speech_in_first_3_s
    0.6549,  # bursts_a_second
)
SPREAD = (
    0.2756,  # onset
    0.8400,  # speech
    0.4857,  # bursts
    0.8339,  # first_burst
    0.8005,  # last_burst
    0.7717,  # longest_burst
    0.7481,  # mean_burst
    0.5179,  # spread_of_bursts
    0.2591,  # longest_pause
    0.2447,  # mean_pause
    0.0413,  # spread_of_pauses
    0.1059,  # share_of_speech
    0.8372,  # span
    0.8663,  # speech_in_first_3_s
    0.6349,  # bursts_a_second
)
WEIGHT = (
    -0.6112,  # onset
    0.7099,  # speech
    0.8442,  # bursts
    0.7124,  # first_burst
    -0.4798,  # last_burst
    0.2838,  # longest_burst
    0.2490,  # mean_burst
    0.2938,  # spread_of_bursts
    0.0820,  # longest_pause
    0.0939,  # mean_pause
    -0.0769,  # spread_of_pauses
    0.6635,  # share_of_speech
    0.6181,  # span
    -0.6188,  # speech_in_first_3_s
    0.5527,  # bursts_a_second
)
