"""Where measurements come from: adapters of the sample source port."""
