"""The attenuation ledger: what changes the gradient on its way back, exactly, for any autograd graph."""
