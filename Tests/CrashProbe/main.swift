import Glibc

exit(CrashProbe(arguments: CommandLine.arguments).run())
