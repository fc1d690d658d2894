/// The parts of a PPTX that are text: as few as PowerPoint, Keynote and LibreOffice take.
enum SlideParts {
    private static let head = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
    private static let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    private static let package = "http://schemas.openxmlformats.org/package/2006"
    private static let namespaces =
        "xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" xmlns:r=\"\(office)\""
        + " xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\""
    private static let emptyTree =
        "<p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr><a:xfrm>"
        + "<a:off x=\"0\" y=\"0\"/><a:ext cx=\"0\" cy=\"0\"/><a:chOff x=\"0\" y=\"0\"/><a:chExt cx=\"0\" cy=\"0\"/>"
        + "</a:xfrm></p:grpSpPr>"

    /// Every part but the pictures, in the order of the archive.
    static func parts(slides: [SlideShapes], width: Int, height: Int) -> [(name: String, text: String)] {
        var parts = [
            ("[Content_Types].xml", contentTypes(slides.count)),
            ("_rels/.rels", relations([("officeDocument", "ppt/presentation.xml")])),
            ("ppt/presentation.xml", presentation(slides.count, width, height)),
            (
                "ppt/_rels/presentation.xml.rels",
                relations(
                    [("slideMaster", "slideMasters/slideMaster1.xml"), ("theme", "theme/theme1.xml")]
                        + slides.indices.map { ("slide", "slides/slide\($0 + 1).xml") })
            ),
            ("ppt/slideMasters/slideMaster1.xml", master),
            (
                "ppt/slideMasters/_rels/slideMaster1.xml.rels",
                relations([("slideLayout", "../slideLayouts/slideLayout1.xml"), ("theme", "../theme/theme1.xml")])
            ),
            ("ppt/slideLayouts/slideLayout1.xml", layout),
            (
                "ppt/slideLayouts/_rels/slideLayout1.xml.rels",
                relations([("slideMaster", "../slideMasters/slideMaster1.xml")])
            ),
            ("ppt/theme/theme1.xml", theme),
        ]
        for (index, slide) in slides.enumerated() {
            let pictures = slide.pictures.indices.map { ("image", "../media/image\(slide.firstPicture + $0).png") }
            parts.append(("ppt/slides/slide\(index + 1).xml", Self.slide(slide.xml)))
            parts.append(
                (
                    "ppt/slides/_rels/slide\(index + 1).xml.rels",
                    relations([("slideLayout", "../slideLayouts/slideLayout1.xml")] + pictures)
                ))
        }
        return parts
    }

    private static func relations(_ targets: [(kind: String, target: String)]) -> String {
        let list = targets.enumerated().map { index, entry in
            "<Relationship Id=\"rId\(index + 1)\" Type=\"\(office)/\(entry.kind)\" Target=\"\(entry.target)\"/>"
        }
        return head + "<Relationships xmlns=\"\(package)/relationships\">\(list.joined())</Relationships>"
    }

    private static func contentTypes(_ slides: Int) -> String {
        let base = "application/vnd.openxmlformats-officedocument"
        var overrides = [
            ("/ppt/presentation.xml", "\(base).presentationml.presentation.main+xml"),
            ("/ppt/slideMasters/slideMaster1.xml", "\(base).presentationml.slideMaster+xml"),
            ("/ppt/slideLayouts/slideLayout1.xml", "\(base).presentationml.slideLayout+xml"),
            ("/ppt/theme/theme1.xml", "\(base).theme+xml"),
        ]
        overrides += (1...max(1, slides)).map { ("/ppt/slides/slide\($0).xml", "\(base).presentationml.slide+xml") }
        return head + "<Types xmlns=\"\(package)/content-types\">"
            + "<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
            + "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
            + "<Default Extension=\"png\" ContentType=\"image/png\"/>"
            + overrides.map { "<Override PartName=\"\($0.0)\" ContentType=\"\($0.1)\"/>" }.joined() + "</Types>"
    }

    private static func presentation(_ slides: Int, _ width: Int, _ height: Int) -> String {
        // 256 is the lowest id that a slide may have; the two relations before are the master and the theme.
        let ids = (0..<slides).map { "<p:sldId id=\"\(256 + $0)\" r:id=\"rId\($0 + 3)\"/>" }.joined()
        return head + "<p:presentation \(namespaces)><p:sldMasterIdLst><p:sldMasterId id=\"2147483648\" r:id=\"rId1\"/>"
            + "</p:sldMasterIdLst><p:sldIdLst>\(ids)</p:sldIdLst><p:sldSz cx=\"\(width)\" cy=\"\(height)\"/>"
            + "<p:notesSz cx=\"6858000\" cy=\"9144000\"/></p:presentation>"
    }

    private static func slide(_ shapes: String) -> String {
        head + "<p:sld \(namespaces)><p:cSld><p:spTree>\(emptyTree)\(shapes)</p:spTree></p:cSld>"
            + "<p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sld>"
    }

    private static let master =
        head + "<p:sldMaster \(namespaces)><p:cSld><p:bg><p:bgPr><a:solidFill><a:srgbClr val=\"FFFFFF\"/></a:solidFill>"
        + "<a:effectLst/></p:bgPr></p:bg><p:spTree>\(emptyTree)</p:spTree></p:cSld><p:clrMap bg1=\"lt1\" tx1=\"dk1\""
        + " bg2=\"lt2\" tx2=\"dk2\" accent1=\"accent1\" accent2=\"accent2\" accent3=\"accent3\" accent4=\"accent4\""
        + " accent5=\"accent5\" accent6=\"accent6\" hlink=\"hlink\" folHlink=\"folHlink\"/><p:sldLayoutIdLst>"
        + "<p:sldLayoutId id=\"2147483649\" r:id=\"rId1\"/></p:sldLayoutIdLst></p:sldMaster>"

    private static let layout =
        head + "<p:sldLayout \(namespaces) type=\"blank\" preserve=\"1\"><p:cSld name=\"Blank\"><p:spTree>\(emptyTree)"
        + "</p:spTree></p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sldLayout>"

    private static let theme: String = {
        let colors = [
            ("dk1", "000000"), ("lt1", "FFFFFF"), ("dk2", "44546A"), ("lt2", "E7E6E6"), ("accent1", "4472C4"),
            ("accent2", "ED7D31"), ("accent3", "A5A5A5"), ("accent4", "FFC000"), ("accent5", "5B9BD5"),
            ("accent6", "70AD47"), ("hlink", "0563C1"), ("folHlink", "954F72"),
        ].map { "<a:\($0.0)><a:srgbClr val=\"\($0.1)\"/></a:\($0.0)>" }.joined()
        let font = "<a:latin typeface=\"Arial\"/><a:ea typeface=\"\"/><a:cs typeface=\"\"/>"
        let fill = "<a:solidFill><a:schemeClr val=\"phClr\"/></a:solidFill>"
        let effect = "<a:effectStyle><a:effectLst/></a:effectStyle>"
        return head + "<a:theme xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" name=\"Layers\">"
            + "<a:themeElements><a:clrScheme name=\"Layers\">\(colors)</a:clrScheme><a:fontScheme name=\"Layers\">"
            + "<a:majorFont>\(font)</a:majorFont><a:minorFont>\(font)</a:minorFont></a:fontScheme>"
            + "<a:fmtScheme name=\"Layers\"><a:fillStyleLst>\(fill)\(fill)\(fill)</a:fillStyleLst><a:lnStyleLst>"
            + String(repeating: "<a:ln w=\"6350\">\(fill)</a:ln>", count: 3) + "</a:lnStyleLst><a:effectStyleLst>"
            + "\(effect)\(effect)\(effect)</a:effectStyleLst><a:bgFillStyleLst>\(fill)\(fill)\(fill)</a:bgFillStyleLst>"
            + "</a:fmtScheme></a:themeElements></a:theme>"
    }()
}
