using System.Reflection;

// Runs a program that was built for any processor on the runtime that this one was published with: the same assemblies that run on x64.
if (args.Length == 0)
{
    Console.Error.WriteLine("usage: SparseInfer.ArmHost PROGRAM.dll [arguments of the program]");
    return 2;
}

string path = Path.GetFullPath(args[0]);
string folder = Path.GetDirectoryName(path)! + Path.DirectorySeparatorChar;

// Programs find their models and golden files beside themselves, and test programs their tests in the assembly that was started.
AppContext.SetData("APP_CONTEXT_BASE_DIRECTORY", folder);
Assembly program = Assembly.LoadFrom(path);
Assembly.SetEntryAssembly(program);
object? result = program.EntryPoint!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [args[1..]], null);
return result as int? ?? Environment.ExitCode;
