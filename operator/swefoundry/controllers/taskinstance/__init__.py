"""TaskInstance: from a manifest to a verdict. observe -> decide -> act -> report, one file each."""
