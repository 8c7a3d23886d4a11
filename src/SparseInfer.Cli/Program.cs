using System.Text;
using SparseInfer.Cli;

// The same bytes on every system: JSON is UTF-8, whatever the console's own code page.
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
return await CommandLine.RunAsync(args, Console.Out, Console.Error);
