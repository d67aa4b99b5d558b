"""The custom resources: their models, conditions, reasons and labels, and the CRDs made from them."""
