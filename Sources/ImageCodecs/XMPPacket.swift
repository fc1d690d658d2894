/// An XMP packet that says how a picture was made.
///
/// Source: XMP specification part 1 (ISO 16684-1), sections 7 and 8.
public enum XMPPacket {
    /// A packet with a description and, under a name of this project, parameters as JSON.
    public static func packet(description: String, parameters: String, tool: String) -> [UInt8] {
        let text = """
            <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?>
            <x:xmpmeta xmlns:x="adobe:ns:meta/">
             <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
              <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" \
            xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:mica="urn:mica:parameters" \
            xmp:CreatorTool="\(XMLText.escaped(tool))">
               <dc:description><rdf:Alt><rdf:li xml:lang="x-default">\(XMLText.escaped(description))</rdf:li></rdf:Alt>\
            </dc:description>
               <mica:parameters>\(XMLText.escaped(parameters))</mica:parameters>
              </rdf:Description>
             </rdf:RDF>
            </x:xmpmeta>
            <?xpacket end="r"?>
            """
        return Array(text.utf8)
    }
}
