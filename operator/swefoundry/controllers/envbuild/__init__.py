"""EnvBuild: draft, build, probe, accept or learn, round by round. observe -> decide -> act -> report, one file each."""
