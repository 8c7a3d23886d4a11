using System.Text;
using Stories;

// The same bytes on every system: a model's text is UTF-8, whatever the console's own code page.
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
return await CommandLine.RunAsync(args);
