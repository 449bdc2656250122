"""Run folders: what a training was asked to do, and what it left; reading one needs pandas only."""
