"""A telephone network in a box: simulated phones behind real SIP and RTP on loopback."""
