"""A network that trains in seconds."""

TINY = """
name = "tiny"
[data]
size_hw = [64, 52]
[model]
backbone = "resnet50_v2"
pretrained = "none"
trainable = 0
pooling = "average"
hidden = []
"""
