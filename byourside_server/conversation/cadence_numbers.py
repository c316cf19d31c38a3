"""Numbers of `cadence`, one for each of its features. Written by script/fit_cadence."""

BIAS = -0.1087
MEAN = (
    0.6950,  # onset
    1.0253,  # speech
    0.3904,  # bursts
    0.6386,  # first_burst
    0.5492,  # last_burst
    0.7727,  # longest_burst
    0.6349,  # mean_burst
    0.2851,  # spread_of_bursts
    0.1786,  # longest_pause
    0.1675,  # mean_pause
    0.0098,  # spread_of_pauses
    0.9397,  # share_of_speech
    1.0957,  # span
    2.2453,  # speech_in_first_3_s
    0.6563,  # bursts_a_second
)
SPREAD = (
    0.2761,  # onset
    0.8401,  # speech
    0.5003,  # bursts
    0.8438,  # first_burst
    0.8185,  # last_burst
    0.7741,  # longest_burst
    0.7601,  # mean_burst
    0.4888,  # spread_of_bursts
    0.2590,  # longest_pause
    0.2443,  # mean_pause
    0.0403,  # spread_of_pauses
    0.1069,  # share_of_speech
    0.8374,  # span
    0.8662,  # speech_in_first_3_s
    0.6362,  # bursts_a_second
)
WEIGHT = (
    -0.5911,  # onset
    0.7347,  # speech
    0.8178,  # bursts
    0.6973,  # first_burst
    -0.5083,  # last_burst
    0.3241,  # longest_burst
    0.2737,  # mean_burst
    0.2739,  # spread_of_bursts
    0.0484,  # longest_pause
    0.0433,  # mean_pause
    -0.0569,  # spread_of_pauses
    0.6029,  # share_of_speech
    0.6525,  # span
    -0.6378,  # speech_in_first_3_s
    0.5775,  # bursts_a_second
)
