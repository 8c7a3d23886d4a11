using Gateway;

try
{
    await using WebApplication gateway = GatewayProgram.Build(args);
    await gateway.RunAsync();
    return 0;
}
catch (Exception exception) when (exception is GatewayException or IOException)
{
    Console.Error.WriteLine(exception.Message); // an address that is in use is an IOException
    return 1;
}
