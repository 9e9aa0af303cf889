namespace Monolith.Identity.Authority;

/// <summary>Files with secrets: readable by the host's user only, and whole or not there at all.</summary>
internal static class PrivateFile
{
    /// <param name="overwrite">False: what is there stays.</param>
    public static async Task WriteAsync(string path, string content, bool secret = true,
        CancellationToken cancel = default, bool overwrite = true)
    {
        var made = $"{path}.{Guid.NewGuid():N}.new";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite
                | (secret ? UnixFileMode.None : UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        try
        {
            await using (var file = new FileStream(made, options))
            {
                await file.WriteAsync(System.Text.Encoding.UTF8.GetBytes(content), cancel);
                file.Flush(flushToDisk: true);
            }
            File.Move(made, path, overwrite);
        }
        catch (IOException) when (!overwrite && File.Exists(path))
        {
            File.Delete(made);
        }
        catch
        {
            File.Delete(made);
            throw;
        }
    }
}
