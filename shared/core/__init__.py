"""The pure core: words, rules and decisions. No await, no clock, no environment, no logging, no Azure."""
